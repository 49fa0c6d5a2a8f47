ptm run $FIX/scores.pt --input-shape 4,1000; ptm run $FIX/scores.pt -i @random:8:i64; ptm run $FIX/scores.pt -i @random:4:f16
