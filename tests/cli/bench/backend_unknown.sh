ptm bench $FIX/conv.pt -i $FIX/x.npy --backend cpu,xnpack
