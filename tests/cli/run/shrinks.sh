cp $FIX/slow.pt m.pt
(sleep 0.3; : > m.pt) &
ptm run m.pt -i @ones:1x8x128x128 -i 4000; rc=$?; wait; exit $rc
