ptm backends | grep -q '^xnnpack *available' || { echo "no xnnpack in this build"; exit 77; }
ptm inspect $FIX/conv.pt --input-shape 2,3,8,8 --backend xnnpack -v | sed -n '/^backends/,$p' | sed 's/[0-9]* *cpu .*/cpu/; /lint/,$d'
