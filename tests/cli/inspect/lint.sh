ptm inspect $FIX/dusty.pt --lint | grep "\\["; ptm inspect $FIX/training.pt --lint | grep "\\["; ptm inspect $FIX/bundled.pt --lint | grep -E "lint|\\["
