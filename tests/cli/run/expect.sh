ptm run $FIX/conv.pt -i $FIX/x.npy --expect $FIX/y.npy -q
