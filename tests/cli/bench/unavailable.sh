ptm backends | grep -q '^xnnpack  *not available' || { echo "xnnpack can be used here"; exit 77; }
ptm bench $FIX/conv.pt -i $FIX/x.npy --backend xnnpack
