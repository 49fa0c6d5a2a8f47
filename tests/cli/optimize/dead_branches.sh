# Heads that only training needs go, with their weights; other results stay the same, bit by bit.
"$PTM" optimize "$FIX/aux.pt" -o out.ptm --input-shape 2,8 | grep -v "^ \|^written\|^passes"
"$PTM" optimize "$FIX/aux.pt" -o keep.ptm -q --passes none
"$PTM" inspect out.ptm | grep "^parameters\|modules\|linear"
"$PTM" run keep.ptm --input-shape 2,8 --repeat 2 > a
"$PTM" run out.ptm --input-shape 2,8 --repeat 2 > b
cmp a b && cat a
"$PTM" inspect out.ptm --dump program | sed -n '/^method.*Aux.forward/,/^$/p' | sed 's/  # .*//'
