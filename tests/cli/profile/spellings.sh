"$PTM" profile --graph "$FIX/conv.pt" -i "$FIX/x.npy" --num_runs 1 --warmup_runs 1 --num_threads 1 --use_xnnpack=false -q
