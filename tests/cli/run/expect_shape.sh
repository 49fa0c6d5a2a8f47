ptm run $FIX/conv.pt -i $FIX/x2.npy -q --expect $FIX/y.npy
