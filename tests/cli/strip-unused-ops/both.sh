# -o beside --build: the file still holds the program, at any size
$PTM strip-unused-ops $FIX/conv.pt -i $FIX/x.npy -o conv.ptm --build small -q 2> /dev/null
$PTM run conv.ptm -i $FIX/x.npy --expect $FIX/y.npy -q && $PTM run conv.ptm -i @ones:2x3x9x9 -q && echo fine
