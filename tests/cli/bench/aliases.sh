ptm bench --graph=$FIX/conv.pt --input_dims=1,3,8,8 --input_type float --num_threads=1 --num_runs=4 --warmup_runs=1 --use_xnnpack=false --csv - | cut -d, -f 1-6
ptm bench --model $FIX/conv.pt --input_dims 1,3,8,8 --warmup 1 --iter 3 --use_xnnpack false --csv - | cut -d, -f 1-6
ptm bench --model=$FIX/bundled.pt --use_bundled_input=0 --warmup=1 --iter=2 --backend ref --csv - | cut -d, -f 1-6
