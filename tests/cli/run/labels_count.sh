ptm run $FIX/scores.pt -i [[1.0,2.0]] -q --labels $FIX/labels.txt
