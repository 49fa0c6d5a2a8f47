ptm run $FIX/scores.pt -i 1.5 -q --top 3
