cp $FIX/conv.pt ./--model.pt; ptm run -q --input=$FIX/x.npy -- --model.pt
