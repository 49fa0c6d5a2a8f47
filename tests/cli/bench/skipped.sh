ptm backends | grep -q '^xnnpack  *not available' || { echo "xnnpack can be used here"; exit 77; }
ptm bench $FIX/conv.pt -i $FIX/x.npy --backend cpu,xnnpack --runs 2 -w 0 --csv - | cut -d, -f 1-5
