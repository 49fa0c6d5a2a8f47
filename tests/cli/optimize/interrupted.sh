echo old > out.ptm; timeout --preserve-status -s INT 0.4 ptm optimize $FIX/slow.pt -o out.ptm -i @ones:1x8x128x128 -i 4000; rc=$?; ls -A; cat out.ptm; exit $rc
