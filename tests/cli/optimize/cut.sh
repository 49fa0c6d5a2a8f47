ptm optimize $FIX/conv.pt -o out.ptm -q; head -c 1000 out.ptm > cut.ptm; ptm run cut.ptm -i $FIX/x.npy
