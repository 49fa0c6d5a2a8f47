ptm run $FIX/conv.pt -i $FIX/x.npy --backend xnpack
