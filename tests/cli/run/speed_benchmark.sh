ptm run --model=$FIX/conv.pt --input_dims="1,3,8,8" --input_type=float; ptm run --model=$FIX/bundled.pt --use_bundled_input=1 --iter 2
