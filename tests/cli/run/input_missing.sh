ptm run $FIX/conv.pt -i nothing.npy
