ptm run $FIX/conv.pt -i $FIX/x.npy -i $FIX/x.npy -i 3
