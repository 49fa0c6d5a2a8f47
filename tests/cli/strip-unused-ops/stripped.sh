# the same numbers, less in the file
$PTM strip-unused-ops $FIX/literals.pt -o small.ptm --preserve two --quiet && $PTM run small.ptm --method two --input second=[1.0,2.0] --input @ones:2 --input times=3
$PTM strip-unused-ops $FIX/conv.pt -o conv.ptm | tail -n 1
$PTM run conv.ptm -i $FIX/x.npy --expect $FIX/y.npy --quiet
