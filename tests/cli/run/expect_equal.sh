ptm run $FIX/scores.pt -i $FIX/scores.npy --expect $FIX/scores.npy
