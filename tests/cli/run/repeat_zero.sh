ptm run $FIX/conv.pt -i $FIX/x.npy --repeat 0
