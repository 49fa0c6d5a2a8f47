ptm run $FIX/conv.pt -i $FIX/x.npy -q --expect $FIX/wrong.npy
