S=$FIX/scores.pt
ptm run $S -i @ones --input-shape 2,2
ptm run $S -i @zeros:3
ptm run $S -i @randint:-5:5 --input-shape 20
ptm run $S -i @randint:0:256:20:u8
ptm run $S -i @ones:3:bool
ptm run $S -i @zeros:0x2:u8
