ptm optimize $FIX/conv.pt -o out.ptm -i $FIX/x.npy --json - | grep "nodes\|macs\|eight"
