# There is nothing left to optimise in a closed file, and its passes are what they are.
"$PTM" optimize "$FIX/conv.traced.pt" -o closed.ptm --input-shape 1,3,12,12 --closed --quiet
"$PTM" run closed.ptm --input-shape 1,3,12,12 --passes none
"$PTM" optimize closed.ptm -o again.ptm
