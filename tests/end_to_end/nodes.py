"""A Ray cluster with a node of so many CPUs for each argument. What standard input says ends it.

Prints the address once it stands. At a line it loses the last node, and at the end of the input it ends.
"""

import sys

from ray.cluster_utils import Cluster

NODE = {"object_store_memory": 100_000_000, "include_dashboard": False}

if __name__ == "__main__":
    cluster = Cluster()
    try:
        # Each node has an address of its own, so that a driver joins the first, which stays.
        nodes = [
            cluster.add_node(**NODE, num_cpus=int(cpus), node_ip_address=f"127.0.0.{number}")
            for number, cpus in enumerate(sys.argv[1:], 1)
        ]
        print(cluster.address, flush=True)
        for _ in sys.stdin:
            cluster.remove_node(nodes.pop(), allow_graceful=False)
    finally:
        cluster.shutdown()
