ptm run $FIX/conv.pt -i $FIX/x.npy -q --json no/such.json
