ptm optimize $FIX/conv.pt -o a.ptm -q && ptm optimize $FIX/conv.pt -o b.ptm --strip-debug -q && [ $(wc -c < b.ptm) -lt $(wc -c < a.ptm) ] && ptm run b.ptm -i $FIX/x.npy --expect $FIX/y.npy -q
