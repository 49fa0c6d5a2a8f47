ptm inspect $E2E/passes/mobilenet_v2.mobile.pt --input-shape 1,3,32,32 --optimize --verify | sed -n "/^cost/,\$p"
