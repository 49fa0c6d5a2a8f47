ptm run $FIX/conv.pt -i $FIX/x.npy -q --expect $FIX/y.npy --expect $FIX/y.npy
