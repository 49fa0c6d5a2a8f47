timeout --preserve-status -s TERM 0.3 ptm run $FIX/slow.pt -i @ones:1x8x128x128 -i 4000 -o out; rc=$?; ls -A; exit $rc
