"""The measures of the task queue: stock Celery on Martlet's broker and on Redis; Martlet's own producer and worker."""
