ptm bench $FIX/conv.pt -i $FIX/x.npy,$FIX/x.npy --backend cpu
