ptm run $FIX/conv.pt -i $FIX/x.npy -o no/such
