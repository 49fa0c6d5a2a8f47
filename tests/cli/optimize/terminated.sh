echo old > out.ptm; timeout --preserve-status -s TERM 0.4 "$PTM" optimize "$FIX/slow.pt" -o out.ptm -i @ones:1x8x128x128 -i 4000; rc=$?; ls -A; cat out.ptm; exit $rc
