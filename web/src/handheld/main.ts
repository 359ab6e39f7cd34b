import { mount } from 'svelte';
import App from './App.svelte';
import { registerWorker } from './notices';
import '../tokens.css';
import '../base.css';
import './handheld.css';

const target = document.getElementById('app');
if (!target) throw new Error('handheld.html has no #app');

void registerWorker();

export default mount(App, { target });
