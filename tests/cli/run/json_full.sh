ptm run $FIX/conv.pt -i $FIX/x.npy -q --json /dev/full
