ptm run $FIX/literals.pt -m two -i $FIX/x.npy,$FIX/x2.npy -i $FIX/x.npy,$FIX/x.npy,$FIX/x.npy
