mkdir in; cp $FIX/x.npy in/b.npy; cp $FIX/x2.npy in/a.npy; ptm run $FIX/conv.pt -i in/ -o out -q; find out | sort
