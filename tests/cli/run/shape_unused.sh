ptm run $FIX/conv.pt -i $FIX/x.npy --input-shape 1,3
