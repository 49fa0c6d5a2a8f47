ptm inspect $FIX/scores.pt --dump program
