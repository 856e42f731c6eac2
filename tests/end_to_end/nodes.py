"""A Ray cluster of two nodes with one CPU each, of which one can be lost. Lines on standard input say when.

Prints the address once it stands; loses the second node at the first line, and ends everything at the next one.
"""

import sys

from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}

if __name__ == "__main__":
    # Each node has an address of its own, so that a driver joins the first, which stays.
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "node_ip_address": "127.0.0.1"})
    try:
        node = cluster.add_node(**NODE, node_ip_address="127.0.0.2")
        print(cluster.address, flush=True)
        if sys.stdin.readline():
            cluster.remove_node(node, allow_graceful=False)
            sys.stdin.readline()
    finally:
        cluster.shutdown()
