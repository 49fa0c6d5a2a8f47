ptm optimize $E2E/passes/mobilenet_v2.traced.pt -o out.ptm -i $E2E/passes/mobilenet_v2.traced.in0.npy --passes none && ptm inspect out.ptm | grep ^recipe
