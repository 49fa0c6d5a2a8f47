ptm run $FIX/conv.pt -i $FIX/x.npy,$FIX/x.npy,$FIX/x.npy -q --expect $FIX/y.npy,$FIX/wrong.npy
