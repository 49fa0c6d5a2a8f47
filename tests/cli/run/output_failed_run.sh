ptm run $FIX/conv.pt -i $FIX/x4.npy -o out 2>/dev/null; echo $?; ls -A
