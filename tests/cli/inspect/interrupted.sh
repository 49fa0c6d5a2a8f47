echo old > i.json; timeout --preserve-status -s INT 0.4 ptm inspect $FIX/slow.pt -i @ones:1x8x128x128 -i 4000 --json i.json; rc=$?; ls -A; cat i.json; exit $rc
