ptm bench $FIX/conv.pt -i $FIX/x.npy --json absent/out.json
