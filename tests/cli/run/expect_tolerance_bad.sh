ptm run $FIX/conv.pt -i $FIX/x.npy -q --expect $FIX/y.npy --atol x
