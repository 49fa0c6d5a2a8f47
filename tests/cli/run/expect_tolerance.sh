ptm run $FIX/conv.pt -i $FIX/x.npy -q --expect $FIX/wrong.npy --atol 0.3; echo $?; ptm run $FIX/conv.pt -i $FIX/x.npy -q --expect $FIX/wrong.npy --rtol 0.1
