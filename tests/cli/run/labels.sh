ptm run $FIX/scores.pt -i $FIX/scores.npy --labels $FIX/labels.txt --top 2; ptm run $FIX/scores.pt -i $FIX/scores.npy --top 1 -q --json - | grep -c softmax
