# What a module remembers goes on in a closed file; other methods are gone.
"$PTM" optimize "$FIX/state.pt" -o closed.ptm --input [1.0,2.0] --closed --quiet
"$PTM" run "$FIX/state.pt" --input [1.0,2.0] --repeat 3 > open.txt
"$PTM" run closed.ptm --input [1.0,2.0] --repeat 3 > closed.txt
cmp open.txt closed.txt && echo same
"$PTM" run closed.ptm --input [1.0,2.0] --method fail
